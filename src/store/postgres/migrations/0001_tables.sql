-- Version 1. Texts that are names compare byte by byte (COLLATE "C"): the same order on
-- every server, and none that a library update could change under an index.

-- Sites by name; listed in name order: primary key.
CREATE TABLE sites (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    policy_version int8 NOT NULL,
    body bytea NOT NULL
);

-- API keys by their public part; listed by it: primary key.
CREATE TABLE api_keys (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    body bytea NOT NULL
);

-- One verdict each. `id` begins with the time (UUID version 7), so partitions by id are
-- partitions by time, and a look-up by id touches one of them. Old ones are dropped whole.
-- Distributed engines that split ranges themselves need no PARTITION BY.
CREATE TABLE verdicts (
    site text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    comment text COLLATE "C",
    article text COLLATE "C",
    author uuid,
    body bytea NOT NULL,
    -- One verdict; a site's verdicts newest first.
    PRIMARY KEY (site, id)
) PARTITION BY RANGE (id);
-- Verdicts of a comment: asked at every recording, by GetVerdict and lists.
CREATE INDEX verdicts_comment ON verdicts (site, comment, id) WHERE comment IS NOT NULL;
-- Lists of an article's verdicts and queue items.
CREATE INDEX verdicts_article ON verdicts (site, article, id) WHERE article IS NOT NULL;
-- Lists of an author's verdicts and queue items.
CREATE INDEX verdicts_author ON verdicts (site, author, id) WHERE author IS NOT NULL;
-- What has no partition of its own: clocks far off.
CREATE TABLE verdicts_rest PARTITION OF verdicts DEFAULT;

-- What a request id was answered with: primary key.
CREATE TABLE request_marks (
    site text COLLATE "C" NOT NULL,
    actor text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    at int8 NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (site, actor, id)
);
-- Marks that are to be forgotten, oldest first.
CREATE INDEX request_marks_at ON request_marks (at);

-- Counts of authors, networks, domains, texts: always by key. Changed in place, so pages
-- keep room.
CREATE TABLE tallies (
    site text COLLATE "C" NOT NULL,
    kind int2 NOT NULL,
    digest uuid NOT NULL,
    seen int8 NOT NULL,
    approved int8 NOT NULL,
    rejected int8 NOT NULL,
    first_seen int8,
    last_seen int8,
    PRIMARY KEY (site, kind, digest)
) WITH (fillfactor = 70);

-- Reports on a verdict, oldest first: primary key.
CREATE TABLE feedback (
    site text COLLATE "C" NOT NULL,
    verdict uuid NOT NULL,
    id uuid NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (site, verdict, id)
);

-- Articles by id: primary key.
CREATE TABLE articles (
    site text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (site, id)
);

-- Whose turn it is to write rows that are kept in order: one row per site, locked for the
-- length of a transaction.
CREATE TABLE site_turns (
    site text COLLATE "C" NOT NULL PRIMARY KEY
);

-- Queue items. `version` and `token` are checked by the statement that changes them.
CREATE TABLE queue_items (
    site text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    version int8 NOT NULL,
    token int8 NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (site, id)
) WITH (fillfactor = 70);

-- Places of items, decisions, audit events, samples, campaigns and the like, in key order
-- within a kind: point reads and walks, all on the primary key.
CREATE TABLE queue_rows (
    site text COLLATE "C" NOT NULL,
    kind int2 NOT NULL,
    rest bytea NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (site, kind, rest)
) WITH (fillfactor = 80);

-- Files of model bundles, by bundle and name: primary key.
CREATE TABLE blobs (
    id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (id, name)
);

-- Which node does which background job, until when by the server's clock.
CREATE TABLE jobs (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    holder uuid NOT NULL,
    until timestamptz NOT NULL
);

-- What every node must have the same, such as the digest of a secret: primary key.
CREATE TABLE facts (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    value bytea NOT NULL
);

-- Rows that come and go by the million are vacuumed early.
ALTER TABLE queue_rows SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.2);
ALTER TABLE queue_items SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE tallies SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE request_marks SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE site_turns SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

-- The second wall. A transaction names the sites that it is for; rows of others are not
-- there for it, whatever a query forgets to say. A session that names none sees nothing.
-- (`site || ''` keeps the wall from being taken for a way in: no index is chosen by it.)
-- The owner of the tables is bound as well; only superusers are not, so do not be one.
DO $$
DECLARE
    named text;
BEGIN
    FOREACH named IN ARRAY ARRAY['verdicts', 'request_marks', 'tallies', 'feedback', 'articles',
        'site_turns', 'queue_items', 'queue_rows']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', named);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', named);
        EXECUTE format('CREATE POLICY own_sites ON %I USING ((site || '''') = ANY ((SELECT '
            'string_to_array(current_setting(''tamis.sites'', true), '',''))::text[]))', named);
    END LOOP;
END
$$;
ALTER TABLE verdicts_rest ENABLE ROW LEVEL SECURITY;
ALTER TABLE verdicts_rest FORCE ROW LEVEL SECURITY;
-- Forgetting by age goes through all sites.
CREATE POLICY upkeep ON request_marks USING (current_setting('tamis.task', true) = 'upkeep');
