-- Whether an order may be canceled is looked up, then it is canceled: of two cancels at once both give units back.
-- caught by: legal_status_paths
CREATE OR REPLACE FUNCTION cancel_order(id bigint)
RETURNS order_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    canceled orders;
BEGIN
    PERFORM FROM orders WHERE orders.id = cancel_order.id AND orders.status IN ('PENDING', 'PAID');
    IF FOUND THEN
        PERFORM pg_sleep(0.005); -- as long as a slow moment
        UPDATE orders SET status = 'CANCELED', canceled_at = clock_timestamp()
        WHERE orders.id = cancel_order.id
        RETURNING orders.* INTO canceled;
        PERFORM return_units(canceled.product_id, canceled.id, canceled.quantity, 'canceled');
        RETURN order_done(canceled);
    END IF;

    SELECT orders.* INTO canceled FROM orders
    WHERE orders.id = cancel_order.id AND orders.status = 'CANCELED';
    IF FOUND THEN
        RETURN order_done(canceled);
    END IF;
    RETURN refuse_order(id, 'not_cancelable');
END
$$;
