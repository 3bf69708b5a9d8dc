"""The warehouse (Snowflake behind Metabase): the CSM view, trips, card charges and people; see README.md beside this file."""
