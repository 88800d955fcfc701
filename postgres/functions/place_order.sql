-- Places an order: inserts the key, takes the units if the stock suffices, inserts the order and a line of the
-- stock ledger. With a known key it returns the first answer and changes nothing. Of two calls with the same
-- key at the same time, the second waits at its INSERT. If the first commits, the second is a replay; if the
-- first is refused, the second places the order.
CREATE FUNCTION place_order(product_id bigint, quantity integer, key text DEFAULT NULL)
RETURNS order_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    answer order_answer;
    product products;
BEGIN
    answer.outcome := 'done';
    answer.id := nextval('orders_id_seq');
    answer.product_id := product_id;
    answer.quantity := quantity;
    answer.status := 'PENDING';
    answer.created_at := clock_timestamp();

    IF key IS NOT NULL THEN
        INSERT INTO order_keys VALUES (key, answer.id, product_id, quantity, answer.created_at)
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            RETURN replay_order(product_id, quantity, key);
        END IF;
    END IF;

    LOOP
        UPDATE products SET stock = products.stock - place_order.quantity
        WHERE products.id = place_order.product_id AND products.stock >= place_order.quantity
        RETURNING products.* INTO product;
        EXIT WHEN FOUND;

        SELECT products.* INTO product FROM products WHERE products.id = place_order.product_id;
        IF NOT FOUND THEN
            answer.outcome := 'product_not_found';
        ELSIF product.stock < quantity THEN
            answer.outcome := 'insufficient_stock';
            answer.about := product.stock;
        ELSE
            CONTINUE; -- the stock was raised between the two statements
        END IF;

        IF key IS NOT NULL THEN
            DELETE FROM order_keys WHERE order_keys.key = place_order.key;
        END IF;
        RETURN answer;
    END LOOP;

    INSERT INTO orders (id, product_id, quantity, unit_price, created_at)
    VALUES (answer.id, product_id, quantity, product.price, answer.created_at);

    INSERT INTO stock_movements (product_id, order_id, delta, stock_after, kind)
    VALUES (product_id, answer.id, -quantity, product.stock, 'placed');

    RETURN answer;
END
$$;

-- Returns the first answer to a key, or a refusal if the product or the quantity is another.
CREATE FUNCTION replay_order(product_id bigint, quantity integer, key text)
RETURNS order_answer LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    first order_keys;
    answer order_answer;
BEGIN
    SELECT order_keys.* INTO STRICT first FROM order_keys WHERE order_keys.key = replay_order.key;
    IF (first.product_id, first.quantity) <> (product_id, quantity) THEN
        answer.outcome := 'idempotency_key_reused';
        RETURN answer;
    END IF;
    RETURN ROW('done', NULL, first.order_id, first.product_id, first.quantity, 'PENDING', first.created_at)::order_answer;
END
$$;
