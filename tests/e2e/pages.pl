#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# pages.pl DIR: two small sites whose every page has a known fate.
#     DIR/english   60 good pages, 10 near-copies of the first ten, 8 short ones, an index, a style sheet, 5 dead links
#     DIR/german    25 pages under /de/, an index
use strict;
use warnings;

my $state = 12345;
sub pick { $state = ($state * 1103515245 + 12345) % 2147483648; return $_[int($state / 65536) % @_] }

my %words = (
  en => {
    open => ['The', 'A', 'Every', 'This', 'Another', 'That', 'One', 'Each'],
    noun => [qw(server package window record message channel library signal buffer request folder network letter garden mountain river castle teacher painter sailor engine bridge market harbour)],
    verb => [qw(opens closes describes receives keeps follows reaches answers carries measures contains replaces)],
    end => ['of the house', 'to the end', 'and that is all', 'with great care', 'that we have seen', 'in the morning', 'for the reader', 'to be sure', 'and the rest of it', 'before the winter'],
  },
  de => {
    open => ['Der', 'Ein', 'Jeder', 'Dieser', 'Kein', 'Mein'],
    noun => [qw(Rechner Ordner Brief Garten Berg Lehrer Maler Motor Markt Hafen Vorgang Nachbar Zeiger Schalter Puffer Anfang Schluss Weg)],
    verb => [qw(beschreibt schließt erhält behält erreicht beantwortet enthält ersetzt verfolgt misst trägt findet)],
    end => ['bis zum Ende', 'und das ist alles', 'mit großer Sorgfalt', 'am frühen Morgen', 'für den Leser', 'vor dem Winter', 'in der Straße', 'über die Brücke', 'nicht ohne Grund', 'wie wir gesehen haben'],
  },
);
sub sentence {
  my $w = $words{$_[0]};
  my $s = join ' ', pick(@{$w->{open}}), pick(@{$w->{noun}}), pick(@{$w->{verb}}), ($_[0] eq 'de' ? pick('den', 'einen') : pick('the', 'a')), pick(@{$w->{noun}}), pick(@{$w->{end}});
  return "$s.";
}
sub paragraphs { my ($language, $n) = @_; return map { join ' ', map { sentence($language) } 1 .. 4 } 1 .. $n }

sub page {
  my ($path, $title, @paragraphs) = @_;
  open my $out, '>', $path or die "$path: $!\n";
  my $language = $path =~ /seite\d*[02468]\./ ? ' lang="de"' : ''; # the others say it by their URL alone
  print $out "<!DOCTYPE html>\n<html$language><head><meta charset=\"utf-8\"><title>$title</title><link rel=\"stylesheet\" href=\"/style.css\"></head>\n<body><article><h1>$title</h1>\n";
  print $out "<p>$_</p>\n" for @paragraphs;
  print $out "</article></body></html>\n";
  close $out or die "$path: $!\n";
}
sub links { return map { "<a href=\"$_\">$_</a>" } @_ }

my ($folder) = @ARGV;
mkdir "$folder/$_" for 'english', 'german', 'german/de';

my (@english, @first);
for my $i (1 .. 60) {
  my @text = paragraphs('en', 6);
  push @first, [@text] if $i <= 10;
  page("$folder/english/page$i.html", "Page $i", @text);
  push @english, "page$i.html";
}
for my $i (1 .. 10) {
  my @text = @{$first[$i - 1]};
  $text[5] =~ s/\.$/ again./;
  page("$folder/english/copy$i.html", "Page $i", @text);
  push @english, "copy$i.html";
}
for my $i (1 .. 8) {
  page("$folder/english/short$i.html", "Short $i", 'The ' . pick(@{$words{en}{noun}}) . ' is here &lt;b&gt; &amp; this is all there is to say of it.');
  push @english, "short$i.html";
}
page("$folder/english/index.html", 'Contents', join(' ', links(@english, map { "missing$_.html" } 1 .. 5)));
open my $style, '>', "$folder/english/style.css" or die;
print $style "body { margin: 0 }\n";
close $style;

my @german;
for my $i (1 .. 25) {
  page("$folder/german/de/seite$i.html", "Seite $i", paragraphs('de', 6));
  push @german, "seite$i.html";
}
page("$folder/german/de/index.html", 'Inhalt', join(' ', links(@german)));
