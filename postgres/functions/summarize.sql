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
        SELECT sum(pending + paid + shipped + canceled)::bigint, sum(pending)::bigint, sum(paid)::bigint,
               sum(shipped)::bigint, sum(canceled)::bigint, sum(order_totals.quantity)::bigint, sum(value)
        FROM order_totals
    ) AS ordered
    LEFT JOIN recent_orders(10) AS recent ON TRUE
    ORDER BY recent.id DESC;
END;
