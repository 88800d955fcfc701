-- Products are made in SKU order, and their ids are told in that order, not in that of the lines.
-- caught by: bulk_matches_rows
CREATE OR REPLACE FUNCTION create_products(lines jsonb)
RETURNS TABLE (index integer, outcome outcome, about text, id bigint)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    line record;
    answer product_answer;
    made integer := 0;
BEGIN
    FOR line IN
        SELECT ordinality - 1 AS index, upper(value ->> 'sku') AS sku, value ->> 'name' AS name,
               (value ->> 'price')::numeric AS price, (value ->> 'stock')::bigint AS stock
        FROM jsonb_array_elements(lines) WITH ORDINALITY
        ORDER BY upper(value ->> 'sku') COLLATE "C", ordinality
    LOOP
        answer := create_product(line.sku, line.name, line.price, line.stock);
        index := made;
        made := made + 1;
        outcome := answer.outcome;
        about := answer.about;
        id := answer.id;
        RETURN NEXT;
    END LOOP;
END
$$;
