"""Terminologies in the formats of other tools: values in, bytes out, and bytes in, values out; touches no file.

records   a terminology as flat records, field by field     selection       some terms, some languages
markup    XML, written and safely read                      values          a text of a file as a value
tbx       TBX-Basic, both styles, written                   tbx_reading     … read, by its tbx_categories
tables    tables of a spreadsheet, CSV                      tables_reading  … read
workbook  the tables as an Excel workbook, both ways        skos            SKOS and SKOS-XL as statements
formats   every format that is written, by name
"""
