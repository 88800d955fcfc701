-- What the clients of the run were told. ledger.py fills these tables; of each entry the last line counts.
-- Times are seconds of the worker's clock.

-- Orders that were acknowledged, the lines of bulk calls included.
CREATE TEMPORARY TABLE told (
    worker text NOT NULL,
    key text NOT NULL,
    product_id bigint NOT NULL,
    quantity bigint NOT NULL,
    bulk boolean,
    sent double precision NOT NULL,
    answered double precision NOT NULL,
    order_id bigint
);

-- Orders that were refused, or of which nobody knows what became.
CREATE TEMPORARY TABLE untold (
    worker text NOT NULL,
    key text NOT NULL,
    product_id bigint NOT NULL,
    quantity bigint NOT NULL,
    bulk boolean,
    sent double precision NOT NULL,
    answered double precision,
    outcome text NOT NULL,
    status integer,
    tries integer,
    available bigint
);

-- Everything else that was done, or read.
CREATE TEMPORARY TABLE acts (
    worker text NOT NULL,
    act text NOT NULL,
    outcome text NOT NULL,
    sent double precision NOT NULL,
    answered double precision,
    product_id bigint,
    order_id bigint,
    key text,
    "to" text,
    quantity bigint,
    sku text,
    price numeric,
    stock bigint,
    applied bigint,
    race boolean,
    bulk boolean,
    total_value double precision
);

-- Workers that did not report their end: what they did last is in no ledger.
CREATE TEMPORARY TABLE lost_workers (
    worker text NOT NULL
);

-- The run that is judged: its id, and when it began by the database's clock.
CREATE TEMPORARY TABLE run (
    id text NOT NULL,
    mark timestamptz NOT NULL
);
