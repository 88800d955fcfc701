-- An order with its product, and its value at the time of the order.
CREATE FUNCTION read_order(wanted_id bigint)
RETURNS TABLE (
    id bigint, product_id bigint, quantity integer, status text, created_at timestamptz,
    total_value numeric, its_id bigint, sku text, name text, price numeric, stock bigint
)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT orders.id, orders.product_id, orders.quantity, orders.status, orders.created_at,
           orders.unit_price * orders.quantity, products.*
    FROM orders JOIN products ON products.id = orders.product_id
    WHERE orders.id = wanted_id;
END;

-- The number of orders with a status; of all orders where the status is null.
CREATE FUNCTION count_orders(wanted_status text)
RETURNS bigint LANGUAGE sql STABLE
RETURN (
    SELECT sum(CASE wanted_status
        WHEN 'PENDING' THEN pending
        WHEN 'PAID' THEN paid
        WHEN 'SHIPPED' THEN shipped
        WHEN 'CANCELED' THEN canceled
        ELSE pending + paid + shipped + canceled
    END)::bigint FROM totals
);

-- One page of the orders that match the filters, newest first; `total` as in list_products. The orders of one
-- product are few, so they are counted; other counts come from the table totals.
CREATE FUNCTION list_orders(
    page bigint, per_page integer, wanted_status text DEFAULT NULL, wanted_product_id bigint DEFAULT NULL
)
RETURNS TABLE (total bigint, id bigint, product_id bigint, quantity integer, status text, created_at timestamptz)
LANGUAGE sql STABLE
BEGIN ATOMIC
    -- Materialized: otherwise PostgreSQL would count again for each row.
    WITH counted AS MATERIALIZED (
        SELECT CASE WHEN wanted_product_id IS NULL
            THEN count_orders(wanted_status)
            ELSE (SELECT count(*) FROM orders WHERE orders.product_id = wanted_product_id
                  AND (wanted_status IS NULL OR orders.status = wanted_status))
        END AS total
    )
    SELECT counted.total, listed.*
    FROM counted
    LEFT JOIN (
        SELECT orders.id, orders.product_id, orders.quantity, orders.status, orders.created_at FROM orders
        WHERE (wanted_status IS NULL OR orders.status = wanted_status)
          AND (wanted_product_id IS NULL OR orders.product_id = wanted_product_id)
        ORDER BY orders.id DESC LIMIT per_page OFFSET (page - 1) * per_page
    ) AS listed ON TRUE
    ORDER BY listed.id DESC;
END;

CREATE FUNCTION recent_orders(how_many integer)
RETURNS TABLE (id bigint, product_id bigint, quantity integer, status text, created_at timestamptz)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT orders.id, orders.product_id, orders.quantity, orders.status, orders.created_at
    FROM orders ORDER BY orders.id DESC LIMIT how_many;
END;
