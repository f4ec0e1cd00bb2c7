-- Applied migrations are never edited.

-- Of the first accepted call with the token: the status of the response, and how long the server took.
ALTER TABLE token_last_use ADD COLUMN first_status BIGINT;
ALTER TABLE token_last_use ADD COLUMN first_micros BIGINT;
