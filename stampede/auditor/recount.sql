-- The shop recounted, as GET /summary has it.
SELECT *
FROM (
    SELECT count(*) AS products, count(*) FILTER (WHERE stock > 0) AS in_stock,
           count(*) FILTER (WHERE stock = 0) AS out_of_stock, count(*) FILTER (WHERE stock <= 10) AS low_stock_count,
           coalesce(sum(stock), 0) AS total_stock_quantity, coalesce(sum(stock * price), 0) AS total_stock_value
    FROM products
) AS stock
CROSS JOIN (
    SELECT count(*) AS orders, count(*) FILTER (WHERE status = 'PENDING') AS pending,
           count(*) FILTER (WHERE status = 'PAID') AS paid, count(*) FILTER (WHERE status = 'SHIPPED') AS shipped,
           count(*) FILTER (WHERE status = 'CANCELED') AS canceled,
           coalesce(sum(quantity), 0) AS total_quantity_ordered,
           coalesce(sum(quantity * unit_price), 0) AS total_order_value
    FROM orders
) AS ordered;
