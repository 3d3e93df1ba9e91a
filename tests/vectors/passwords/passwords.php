<?php
// WordPress's own functions, from the folder named on the command line, and PHP's crypt().
define('ABSPATH', rtrim($argv[1], '/') . '/');
define('WPINC', 'wp-includes');

function apply_filters($name, $value) {
    return $name === 'wp_hash_password_options' ? ['cost' => 4] : $value;
}

function line($form, $by, $password, $hash) {
    $entry = ['form' => $form, 'by' => $by, 'password' => $password, 'hash' => $hash];
    echo json_encode($entry, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES), "\n";
}

require ABSPATH . WPINC . '/version.php';
require ABSPATH . WPINC . '/pluggable.php';
require ABSPATH . WPINC . '/class-phpass.php';

$plain = 'correct horse battery';
$unicode = 'pässwörd ✓ 密码';
$long = str_repeat('0123456789', 9);
$wordpress = "WordPress $wp_version";
foreach ([$plain, $unicode, $long] as $password) {
    line('wordpress', $wordpress, $password, wp_hash_password($password));
}
$phpass = new PasswordHash(4, true);
foreach ([$plain, $unicode] as $password) {
    line('phpass', $wordpress, $password, $phpass->HashPassword($password));
}
line('phpass', $wordpress, $plain, (new PasswordHash(8, true))->HashPassword($plain));
line('phpass', $wordpress, $plain, $phpass->crypt_private($plain, '$H$9saltsalt'));
$php = 'PHP ' . PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION;
foreach ([$plain, $unicode, "\u{a3}", "\u{ff}\u{a3}345"] as $password) {
    line('bcrypt with its sign bug', $php, $password, crypt($password, '$2x$04$0123456789abcdefghijkl'));
}
line('bcrypt', $php, $unicode, password_hash($unicode, PASSWORD_BCRYPT, ['cost' => 4]));
