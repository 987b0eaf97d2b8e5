INSERT INTO job (kind, subject, number, position, state, worker, epoch, due_ms, attempts, failure, queued_ms, ended_ms)
VALUES
    ('conduct', 'spring', 1, 1, 'done', 'server', 1, 1800000000000, 1, NULL, 1800000000000, 1800000000500),
    ('conduct', 'spring', 2, 2, 'queued', NULL, 1, 1800000000500, 1, 'no answer', 1800000000500, NULL);
