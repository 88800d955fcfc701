-- What the clients of the run were told. ledger.py fills these tables; of each entry the last line counts.

-- The run that is judged: its id, when it began by the database's clock, its first line in the stock ledger.
CREATE TEMPORARY TABLE run (
    id text NOT NULL,
    mark timestamptz NOT NULL,
    first_line bigint NOT NULL
);

-- Every order that was sent, the lines of bulk calls included. Times are seconds of the worker's clock.
CREATE TEMPORARY TABLE attempts (
    worker text NOT NULL,
    key text NOT NULL,
    product_id bigint NOT NULL,
    quantity bigint NOT NULL,
    bulk boolean,
    sent double precision NOT NULL,
    answered double precision,
    status integer,
    outcome text NOT NULL,
    tries integer,
    order_id bigint,
    available bigint
);

-- Everything else that was done, or read.
CREATE TEMPORARY TABLE acts (
    worker text NOT NULL,
    act text NOT NULL,
    sent double precision,
    answered double precision,
    outcome text,
    product_id bigint,
    order_id bigint,
    key text,
    "to" text,
    quantity bigint,
    sku text,
    price numeric,
    stock bigint,
    race boolean,
    bulk boolean,
    total_value double precision
);

-- Workers that did not report their end: what they did last is in no ledger.
CREATE TEMPORARY TABLE lost_workers (
    worker text NOT NULL
);
