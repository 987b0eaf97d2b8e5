INSERT INTO audit (number, at_ms, actor, action, subject, detail)
VALUES (1, 1800000000000, '심사 위원', 'open', 'season spring', '{"from":"draft"}');
