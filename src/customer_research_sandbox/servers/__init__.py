"""The sandbox's vendors: Lago, HubSpot, Metabase and Notion as ASGI applications over one `Dataset`."""
