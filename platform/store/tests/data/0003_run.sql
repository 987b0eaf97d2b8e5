INSERT INTO run (season, name, window_number, trial, operator, attempt, target, position, state, epoch, queued_ms)
VALUES ('spring', 'w01.spam.alpha.1', 1, 'spam', 'alpha', 1, '127.0.0.1:8551', 3, 'queued', 0, 1800000000000);

INSERT INTO run (
    season, name, window_number, trial, operator, attempt, target, position, state, worker, epoch, lease_until_ms,
    queued_ms, leased_ms
)
VALUES (
    'spring', 'w01.traffic.alpha.1', 1, 'traffic', 'alpha', 1, '127.0.0.1:8551', 2, 'leased', 'worker', 1,
    1800000060000, 1800000000000, 1800000001000
);

INSERT INTO run (
    season, name, window_number, trial, operator, attempt, target, position, state, worker, epoch, evidence,
    queued_ms, leased_ms, ended_ms
)
VALUES (
    'spring', 'w01.traffic.north.1', 1, 'traffic', 'north', 1, '127.0.0.1:8552', 1, 'measured', 'worker', 2,
    'b093b2049e76d00f18ec8913e7fa9877bec802bc936f6bfed89704e59241b24e', 1800000000000, 1800000001000, 1800000002000
);

INSERT INTO evidence (season, run, digest, bytes, kept_ms)
VALUES ('spring', 'w01.traffic.north.1', 'b093b2049e76d00f18ec8913e7fa9877bec802bc936f6bfed89704e59241b24e', 815, 1800000002000);
