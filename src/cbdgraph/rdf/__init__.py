"""The build side: Turtle files in, checked and reasoned graphs out; never imports the store or the server.

`turtle` reads and writes files, `catalog` knows which, `reason` runs the rules, `derive` computes, `validate` checks.
"""
