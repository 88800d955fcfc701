-- A cancel gives the units back before it looks whether the order may still be canceled, and then refuses.
-- caught by: legal_status_paths
CREATE OR REPLACE FUNCTION cancel_order(id bigint)
RETURNS order_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    canceled orders;
BEGIN
    UPDATE orders SET status = 'CANCELED', canceled_at = clock_timestamp()
    WHERE orders.id = cancel_order.id AND orders.status IN ('PENDING', 'PAID')
    RETURNING orders.* INTO canceled;
    IF FOUND THEN
        PERFORM return_units(canceled.product_id, canceled.id, canceled.quantity, 'canceled');
        RETURN order_done(canceled);
    END IF;

    SELECT orders.* INTO canceled FROM orders
    WHERE orders.id = cancel_order.id AND orders.status = 'CANCELED';
    IF FOUND THEN
        RETURN order_done(canceled);
    END IF;
    PERFORM return_units(orders.product_id, orders.id, orders.quantity, 'canceled')
    FROM orders WHERE orders.id = cancel_order.id;
    RETURN refuse_order(id, 'not_cancelable');
END
$$;
