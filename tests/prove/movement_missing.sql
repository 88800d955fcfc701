-- Units that are given back are not written into the ledger of movements.
-- caught by: stock_equals_movements
CREATE OR REPLACE FUNCTION return_units(product_id bigint, order_id bigint, units integer, kind text)
RETURNS void LANGUAGE sql SET search_path = public, pg_temp AS $$
    UPDATE products SET stock = stock + units WHERE id = return_units.product_id
$$;
