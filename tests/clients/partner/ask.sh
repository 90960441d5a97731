#!/bin/sh
# Asks a partner as RFC 9421 and RFC 9530 say it, with openssl and curl: nothing of Platestream. Prints the body, the
# status, and whether the answer has the partner's signature.
# ask.sh URL PRIVATE_KEY.pem BODY_FILE AUTHORITIES.pem ID PARTNERS_PUBLIC_KEY.pem
set -eu
url=$1 key=$2 body=$3 authorities=$4 id=$5 theirs=$6
kind=application/json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
digest="sha-256=:$(openssl dgst -sha256 -binary "$body" | openssl base64 -A):"
# The fingerprint: SHA-256 of the last 32 bytes of the public key's DER.
keyid=$(openssl pkey -in "$key" -pubout -outform DER | tail -c 32 | openssl dgst -sha256 -r | cut -c 1-64)
created=$(date +%s)
params="(\"@method\" \"@target-uri\" \"content-type\" \"content-digest\");created=$created;expires=$((created + 60));nonce=\"$id\";keyid=\"$keyid\";alg=\"ed25519\";tag=\"platestream-partner\""
printf '"@method": POST\n"@target-uri": %s\n"content-type": %s\n"content-digest": %s\n"@signature-params": %s' \
  "$url" "$kind" "$digest" "$params" > "$work/base"
signature="sig1=:$(openssl pkeyutl -sign -inkey "$key" -rawin -in "$work/base" | openssl base64 -A):"
curl --silent --show-error --cacert "$authorities" --dump-header "$work/head" --output "$work/answer" \
  --header "Content-Type: $kind" --header "Content-Digest: $digest" \
  --header "Signature-Input: sig1=$params" --header "Signature: $signature" \
  --data-binary "@$body" "$url"
cat "$work/answer"

# What a header of the answer says.
said() { tr -d '\r' < "$work/head" | sed -n "s/^$1: //Ip"; }
status=$(sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$work/head")
printf '"@status": %s\n"content-type": %s\n"content-digest": %s\n"signature";req: %s\n"@signature-params": %s' \
  "$status" "$(said content-type)" "$(said content-digest)" "$signature" \
  "$(said signature-input | sed 's/^[^=]*=//')" > "$work/base"
said signature | sed 's/^[^:]*:\(.*\):$/\1/' | openssl base64 -d -A > "$work/signature"
holds=unsigned
if openssl pkeyutl -verify -pubin -inkey "$theirs" -rawin -in "$work/base" -sigfile "$work/signature" > /dev/null 2>&1 &&
  [ "$(said content-digest)" = "sha-256=:$(openssl dgst -sha256 -binary "$work/answer" | openssl base64 -A):" ]; then
  holds=signed
fi
printf '\n%s %s\n' "$status" "$holds"
