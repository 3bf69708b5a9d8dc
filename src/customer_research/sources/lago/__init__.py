"""Billing (Lago): the customer, its subscriptions, invoices, payments, credit notes and coupons; see README.md beside this file."""
