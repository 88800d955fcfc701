-- The totals of the shop and the ten newest orders: one row for each of these orders, with the totals repeated;
-- one row without an order if there are none. It is one statement, so one snapshot. Canceled orders count in
-- quantity_ordered and order_value too.
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
    SELECT summed.*, recent.*
    FROM (
        SELECT sum(totals.products)::bigint, sum(totals.in_stock)::bigint,
               sum(totals.products - totals.in_stock)::bigint, sum(totals.low_stock)::bigint,
               sum(totals.stock_quantity)::bigint, sum(totals.stock_value),
               sum(pending + paid + shipped + canceled)::bigint, sum(pending)::bigint, sum(paid)::bigint,
               sum(shipped)::bigint, sum(canceled)::bigint, sum(totals.quantity)::bigint, sum(value)
        FROM totals
    ) AS summed
    LEFT JOIN recent_orders(10) AS recent ON TRUE
    ORDER BY recent.id DESC;
END;
