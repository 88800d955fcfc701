-- The index for searches in names. It contains every three consecutive characters of each name, so a search
-- does not read all names. The collation is fixed, so lower() gives the same result under every locale of the
-- database. The result is null for a name of fewer than three characters.
CREATE FUNCTION name_parts(name text)
RETURNS text[] LANGUAGE plpgsql IMMUTABLE SET search_path = public, pg_temp AS $$
DECLARE
    folded text := lower(name COLLATE pg_c_utf8);
    parts text[];
BEGIN
    FOR place IN 1 .. length(folded) - 2 LOOP
        parts[place] := substr(folded, place, 3);
    END LOOP;
    RETURN parts;
END
$$;

-- Without fastupdate: every search would also read the list of pending entries.
CREATE INDEX products_by_name_part ON products USING gin (name_parts(name)) WITH (fastupdate = off);
