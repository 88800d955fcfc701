-- The data at the start of each run, always the same: 1,000 products, no orders. Most stocks are large; one in
-- twenty is small, one in a hundred is 0. Ids start at 1 again. Every SKU begins with SEED-, so that a
-- locustfile can create LAPTOP-0010 without a 409. The file may be run while the API is connected: it waits for
-- requests in progress, and new requests wait for it.
\set ON_ERROR_STOP on

BEGIN;
TRUNCATE products, orders, stock_movements, order_keys, totals RESTART IDENTITY;
INSERT INTO totals (slot) SELECT generate_series(0, 63);

WITH catalogue AS (
    INSERT INTO products (sku, name, price, stock)
    SELECT format('SEED-%s-%s', upper(kind), to_char(number, 'FM0000')),
           format('%s %s %s', material, kind, number),
           5 + (number * 7919 % 99489) / 100.0,
           CASE WHEN number % 100 = 0 THEN 0
                WHEN number % 20 = 0 THEN 3 + number / 20
                ELSE 10000 + number * 37 % 40000
           END
    FROM generate_series(1, 1000) AS number,
         LATERAL (SELECT (ARRAY['Laptop', 'Phone', 'Camera', 'Lamp', 'Chair', 'Desk', 'Kettle', 'Backpack',
                                'Bicycle', 'Keyboard'])[1 + number % 10] AS kind,
                         (ARRAY['Aluminium', 'Bamboo', 'Carbon', 'Ceramic', 'Copper', 'Oak', 'Steel'])
                             [1 + number % 7] AS material)
    ORDER BY number
    RETURNING id, stock
)
INSERT INTO stock_movements (product_id, delta, stock_after, kind)
SELECT id, stock, stock, 'created' FROM catalogue ORDER BY id;
COMMIT;

-- The planner's statistics are of the deleted data. Without this, autovacuum would run during the load.
VACUUM (ANALYZE) products, orders, stock_movements, order_keys, totals;
