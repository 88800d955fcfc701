-- What an order was worth is computed from what its product costs now.
-- caught by: totals_at_order_price
CREATE OR REPLACE FUNCTION read_order(wanted_id bigint)
RETURNS TABLE (
    id bigint, product_id bigint, quantity integer, status text, created_at timestamptz,
    total_value numeric, its_id bigint, sku text, name text, price numeric, stock bigint
)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT orders.id, orders.product_id, orders.quantity, orders.status, orders.created_at,
           products.price * orders.quantity, products.*
    FROM orders JOIN products ON products.id = orders.product_id
    WHERE orders.id = wanted_id;
END;
