-- Creates everything in an empty database; the order of the files matters. It needs a superuser. psql runs
-- this file everywhere: in the official image, in the local runtime and in the tests.
\set ON_ERROR_STOP on

-- Names and reasons may contain any character. UTF8 is the official image's default (initdb --encoding=UTF8).
DO $$ BEGIN ASSERT current_setting('server_encoding') = 'UTF8', 'the database must have encoding UTF8'; END $$;

BEGIN;
\ir roles.sql
\ir schema.sql
\ir totals.sql
\ir name_search.sql
\ir functions/read_schema_version.sql
\ir functions/place_order.sql
\ir functions/place_orders.sql
\ir functions/order_answers.sql
\ir functions/return_units.sql
\ir functions/pay_order.sql
\ir functions/ship_order.sql
\ir functions/cancel_order.sql
\ir functions/change_order.sql
\ir functions/delete_order.sql
\ir functions/create_product.sql
\ir functions/create_products.sql
\ir functions/change_product.sql
\ir functions/delete_product.sql
\ir functions/adjust_stock.sql
\ir functions/read_products.sql
\ir functions/read_orders.sql
\ir functions/summarize.sql
\ir functions/read_usage.sql
\ir rights.sql
COMMIT;

\ir seed.sql
