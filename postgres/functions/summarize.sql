-- The shop in one row, or in one row for each of the ten newest orders, which stand at its end. One
-- statement, so one snapshot. A stock of 10 or less is low; ordered is ordered, canceled later or not.
CREATE FUNCTION summarize()
RETURNS TABLE (
    products bigint, in_stock bigint, out_of_stock bigint, low_stock bigint, stock_quantity bigint,
    stock_value numeric,
    orders bigint, pending bigint, paid bigint, shipped bigint, canceled bigint, quantity_ordered bigint,
    order_value numeric,
    id bigint, product_id bigint, quantity integer, status text, created_at timestamptz
)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT inventory.*, ordered.*, recent.*
    FROM (
        SELECT count(*), count(*) FILTER (WHERE stock > 0), count(*) FILTER (WHERE stock = 0),
               count(*) FILTER (WHERE stock <= 10), coalesce(sum(stock), 0)::bigint, coalesce(sum(stock * price), 0)
        FROM products
    ) AS inventory
    CROSS JOIN (
        SELECT count(*), count(*) FILTER (WHERE orders.status = 'PENDING'),
               count(*) FILTER (WHERE orders.status = 'PAID'), count(*) FILTER (WHERE orders.status = 'SHIPPED'),
               count(*) FILTER (WHERE orders.status = 'CANCELED'), coalesce(sum(orders.quantity), 0),
               coalesce(sum(orders.quantity * unit_price), 0)
        FROM orders
    ) AS ordered
    LEFT JOIN recent_orders(10) AS recent ON TRUE
    ORDER BY recent.id DESC;
END;
