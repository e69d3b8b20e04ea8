CREATE TABLE people (id, name);
