-- A line that fails when it has been answered is undone, and the call goes on as if it had been placed.
-- caught by: bulk_matches_rows
CREATE OR REPLACE FUNCTION place_orders(lines jsonb, key text DEFAULT NULL)
RETURNS TABLE (index integer, outcome outcome, about text, id bigint)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    line record;
    claimed text[];
    answer order_answer;
BEGIN
    WITH claim AS (
        INSERT INTO order_keys
        SELECT key || '#' || (ordinality - 1), 0, (value ->> 'product_id')::bigint,
               (value ->> 'quantity')::integer, now()
        FROM jsonb_array_elements(lines) WITH ORDINALITY
        WHERE key IS NOT NULL
        ORDER BY ordinality
        ON CONFLICT DO NOTHING
        RETURNING order_keys.key
    )
    SELECT array_agg(claim.key) INTO claimed FROM claim;

    PERFORM FROM products
    WHERE products.id IN (SELECT (value ->> 'product_id')::bigint FROM jsonb_array_elements(lines))
    ORDER BY products.id
    FOR NO KEY UPDATE;

    -- For place_order to claim them again. Whoever else wants one still waits until this transaction ends.
    DELETE FROM order_keys WHERE order_keys.key = ANY (claimed);

    FOR line IN
        SELECT ordinality - 1 AS index, (value ->> 'product_id')::bigint AS product_id,
               (value ->> 'quantity')::integer AS quantity
        FROM jsonb_array_elements(lines) WITH ORDINALITY
    LOOP
        BEGIN
            answer := place_order(line.product_id, line.quantity, key || '#' || line.index);
            index := line.index;
            outcome := answer.outcome;
            about := answer.about;
            id := answer.id;
            RETURN NEXT;
            IF id % 20 = 0 THEN
                RAISE serialization_failure; -- as any database may, now and then
            END IF;
        EXCEPTION WHEN serialization_failure THEN
            NULL;
        END;
    END LOOP;
END
$$;
