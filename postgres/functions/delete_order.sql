-- Removes an order for good. The units of a live one go back first; the ledger notes the deletion of any,
-- so that an order it speaks of and that is gone is never a riddle.
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
