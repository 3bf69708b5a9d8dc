"""The CRM (HubSpot): the company, its contacts, deals and logged engagements; see README.md beside this file."""
