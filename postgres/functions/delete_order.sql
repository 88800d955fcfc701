-- Deletes an order. If it is PENDING or PAID, its units return to the stock. The stock ledger gets a line in
-- either case: it explains why lines refer to an order that does not exist.
CREATE FUNCTION delete_order(id bigint)
RETURNS order_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    gone orders;
    units integer := 0;
BEGIN
    DELETE FROM orders WHERE orders.id = delete_order.id RETURNING orders.* INTO gone;
    IF NOT FOUND THEN
        RETURN refuse_order(id, 'order_not_found');
    END IF;
    IF gone.status IN ('PENDING', 'PAID') THEN
        units := gone.quantity;
    END IF;
    PERFORM return_units(gone.product_id, gone.id, units, 'deleted');
    RETURN order_done(gone);
END
$$;
