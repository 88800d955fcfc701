-- Creates many products in one transaction. A line whose SKU exists is skipped, and its outcome returned.
-- Products are created in the order of their SKUs, so two bulk calls cannot deadlock. Of two lines with the
-- same SKU, the first is created.
CREATE FUNCTION create_products(lines jsonb)
RETURNS TABLE (index integer, outcome outcome, about text, id bigint)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    line record;
    answer product_answer;
BEGIN
    FOR line IN
        SELECT ordinality - 1 AS index, upper(value ->> 'sku') AS sku, value ->> 'name' AS name,
               (value ->> 'price')::numeric AS price, (value ->> 'stock')::bigint AS stock
        FROM jsonb_array_elements(lines) WITH ORDINALITY
        ORDER BY upper(value ->> 'sku') COLLATE "C", ordinality
    LOOP
        answer := create_product(line.sku, line.name, line.price, line.stock);
        index := line.index;
        outcome := answer.outcome;
        about := answer.about;
        id := answer.id;
        RETURN NEXT;
    END LOOP;
END
$$;
