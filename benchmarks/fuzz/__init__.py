"""Files that are wrong in every way that can be thought of, given to all that reads files.

`python -m benchmarks.fuzz READER --seconds 600 --seed 0`: a reader of files, or of command lines, takes them or refuses
them with an InputError. Anything else that it raises, a wait of more than `mutate.PATIENCE` seconds and a crash count as
found; they are printed, and the files that caused them are left in --keep.
"""
