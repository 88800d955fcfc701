-- Whether a key is known is looked up, then it is claimed: sent twice at once it is ordered twice.
-- caught by: one_order_per_key
CREATE OR REPLACE FUNCTION place_order(product_id bigint, quantity integer, key text DEFAULT NULL)
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
        PERFORM FROM order_keys WHERE order_keys.key = place_order.key;
        IF FOUND THEN
            RETURN replay_order(product_id, quantity, key);
        END IF;
        PERFORM pg_sleep(0.005); -- as long as a slow moment
        INSERT INTO order_keys VALUES (key, answer.id, product_id, quantity, answer.created_at)
        ON CONFLICT DO NOTHING;
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
            CONTINUE; -- units came in between the two statements
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
