"""Sources of tables: files by format and encoding, and the layout of their text.

files   bytes of a file, decoded, or cells of a workbook
layout  titles, header and delimiter of a text
"""
