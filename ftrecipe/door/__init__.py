"""The door: what people type and recipes say, read as data or refused; nothing is composed here."""
