INSERT INTO session (digest, account, created_ms, expires_ms)
VALUES ('d7e83e28a04b537e64424546b14caf9b67bad2f28dabce68116e0d372319fa00', '0x0000000000000000000000000000000000000001', 1800000000000, 1800003600000);

INSERT INTO nonce (value, purpose, expires_ms) VALUES ('nonce', 'sign-in', 1800000300000);

INSERT INTO token (digest, account, scope, name, created_ms, expires_ms, used_ms, revoked_ms)
VALUES ('3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0', '0x0000000000000000000000000000000000000001', 'read', 'ci', 1800000000000, 1800003600000, 1800000000000, NULL);
