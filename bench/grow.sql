-- psql: fills the database with so many :products and :orders. They are spread over the products evenly.
SET session_replication_role = replica;
TRUNCATE products, orders, stock_movements, order_keys, totals RESTART IDENTITY;
INSERT INTO products (sku, name, price, stock)
SELECT 'GROWN-' || number, 'Article number ' || number || ' of the shop', 5 + number % 1000, 100000
FROM generate_series(1, :products) AS number;
INSERT INTO orders (product_id, quantity, status, unit_price, created_at, paid_at, canceled_at)
SELECT 1 + number % :products, 1 + number % 3,
       CASE number % 40 WHEN 0 THEN 'CANCELED' WHEN 1 THEN 'PAID' ELSE 'PENDING' END, 9.99, at,
       CASE number % 40 WHEN 1 THEN at END, CASE number % 40 WHEN 0 THEN at END
FROM (
    SELECT number, now() - (:orders - number) * interval '1 ms' AS at FROM generate_series(1, :orders) AS number
) AS numbers;
INSERT INTO order_keys SELECT 'grown/' || id, id, product_id, quantity, created_at FROM orders;
INSERT INTO stock_movements (product_id, delta, stock_after, kind, at)
SELECT id, 100000 + orders.quantity, 100000 + orders.quantity, 'created', now() - interval '1 day'
FROM products
CROSS JOIN LATERAL (SELECT coalesce(sum(quantity), 0) AS quantity FROM orders WHERE product_id = products.id
                    AND status <> 'CANCELED') AS orders;
INSERT INTO stock_movements (product_id, order_id, delta, stock_after, kind, at)
SELECT product_id, id, -quantity, 100000, 'placed', created_at FROM orders;
INSERT INTO totals (slot) SELECT generate_series(0, 63);
UPDATE totals SET
    (products, in_stock, stock_quantity, stock_value)
        = (SELECT count(*), count(*), sum(stock), sum(stock * price) FROM products),
    (pending, paid, canceled, quantity, value)
        = (SELECT count(*) FILTER (WHERE status = 'PENDING'), count(*) FILTER (WHERE status = 'PAID'),
                  count(*) FILTER (WHERE status = 'CANCELED'), sum(quantity), sum(quantity * unit_price)
           FROM orders)
WHERE slot = 0;
SET session_replication_role = origin;
VACUUM (ANALYZE) products, orders, stock_movements, order_keys, totals;
