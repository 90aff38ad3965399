"""Documents in, proposed records for `data/turtle` out: read, compare with what is recorded, show, and write if told.

reading    a file -> what it says, part by part        batch     many files, several processes, resumable
known      what data/turtle records                    propose   what is missing, as records
records    how each kind of record is written down     uses      a use of a term as a record
findings   what was found, and what becomes of it     files     the files with the records in them, their diff
report     what a person reads before accepting
"""
