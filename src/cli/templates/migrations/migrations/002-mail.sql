ALTER TABLE people ADD mail;
CREATE TABLE letters (id, person, text);
