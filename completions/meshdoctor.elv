
set edit:completion:arg-completer[meshdoctor] = { |@words|
    var index = (count $words)
    set index = (- $index 1)

    put (env _CLAP_IFS="\n" _CLAP_COMPLETE_INDEX=(to-string $index) MESHDOCTOR_COMPLETE="elvish" meshdoctor -- $@words) | to-lines
}

