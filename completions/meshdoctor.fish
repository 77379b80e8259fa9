complete --keep-order --exclusive --command meshdoctor --arguments "(MESHDOCTOR_COMPLETE=fish meshdoctor -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
