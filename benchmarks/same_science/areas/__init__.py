"""One module for each area: `cases() -> {name: function}`, whose results are dumped under area/name.

The modules run in the checkout that is dumped, old or new: they ask for its parts with `names.find` and `names.call`,
by public names where there are any, and draw all random numbers themselves.
"""
