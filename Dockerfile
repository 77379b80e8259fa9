# The image for a cluster. `.ci/image NAME:TAG OUT.tar` builds the static binary and writes the same image without Docker.
FROM scratch
ARG BINARY=target/image/x86_64-unknown-linux-gnu/release/meshdoctor
COPY .ci/passwd /etc/passwd
COPY ${BINARY} /meshdoctor
WORKDIR /
USER 65532:65532
ENTRYPOINT ["/meshdoctor"]
