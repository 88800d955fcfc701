-- Returns units to a product's stock, or takes more if negative, and appends a line to the stock ledger.
CREATE FUNCTION return_units(product_id bigint, order_id bigint, units integer, kind text)
RETURNS void LANGUAGE sql SET search_path = public, pg_temp AS $$
    WITH product AS (
        UPDATE products SET stock = stock + units WHERE id = return_units.product_id RETURNING id, stock
    )
    INSERT INTO stock_movements (product_id, order_id, delta, stock_after, kind)
    SELECT id, return_units.order_id, units, stock, return_units.kind FROM product
$$;
