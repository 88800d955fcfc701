-- Where in the catalogue a name has a part like the one searched for: an index of all that names are made of,
-- three characters at a time, so that a search need not read every name. The collation is named so that case
-- means the same under every locale the database may have been made with. Null for what is shorter.
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

-- Written at once: what waited to be written would be read by every search.
CREATE INDEX products_by_name_part ON products USING gin (name_parts(name)) WITH (fastupdate = off);
