-- The role by which customer-research reads the app's database. Run it as an administrator on the primary: a replica takes it over.
-- Put your own schema, tables and columns in the place of app.trips, app.users and app.drivers: those that app_database.mapping
-- names, and no others. Where a value lies in another table, make a view and grant its columns instead.

CREATE ROLE customer_research LOGIN
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT CONNECTION LIMIT 4;
-- Then, in psql: \password customer_research

-- Defaults only: a role can switch them off. What holds are the grants below, and that a replica takes no writes.
ALTER ROLE customer_research SET default_transaction_read_only = on;
ALTER ROLE customer_research SET statement_timeout = '60s';
ALTER ROLE customer_research SET lock_timeout = '2s';
ALTER ROLE customer_research SET idle_in_transaction_session_timeout = '60s';

-- In databases made before Postgres 15 everybody may make tables in the schema public. This takes it from every role: give it first to
-- those that need it and do not own the schema (the app's own role, or that of its migrations): GRANT CREATE ON SCHEMA public TO ...
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

GRANT USAGE ON SCHEMA app TO customer_research;

GRANT SELECT (
    id, operator_id, confirmation_number, order_number, status, created_at, updated_at, deleted_at, pickup_at, cancelled_at,
    total, paid, due, trip_type, order_type, distance_miles, duration_minutes, driver_name, company_name, vehicle_name,
    driver_app_used, rating, farmee_name
) ON app.trips TO customer_research;

GRANT SELECT (id, operator_id, first_name, last_name, role, created_at, updated_at, removed_at, last_login_at)
    ON app.users TO customer_research;

GRANT SELECT (id, operator_id, created_at, updated_at, deactivated_at, removed_at) ON app.drivers TO customer_research;
