# Does things in Request Tracker through its own API, each at its own time: a
# step comes in as one line of JSON (RTStep in Go), its answer goes out as one.
use strict;
use warnings;

use Cache::Simple::TimedExpiry ();    # before there is another time: it forgets after five true seconds

my $now;    # what time it is for RT; undefined: the machine's time

BEGIN {
    no warnings 'once';
    *CORE::GLOBAL::time   = sub ()   { $now // CORE::time() };
    *CORE::GLOBAL::gmtime = sub (;$) { CORE::gmtime( @_   ? $_[0] : $now // CORE::time() ) };
    *CORE::GLOBAL::localtime = sub (;$) { CORE::localtime( @_ ? $_[0] : $now // CORE::time() ) };
}

use lib '/usr/local/share/request-tracker5/lib', '/usr/share/request-tracker5/lib';
use Digest::MD5 ();
use JSON;
use MIME::Base64 ();
use MIME::Entity;
use RT;

RT::LoadConfig();
RT::Init();
require RT::Interface::Web;

# Mail goes where our sendmail would put it, without a process for each.
my $mails = 0;
RT->Config->Set( MailCommand => sub {
    my $file = sprintf '%s/mail/%d.%06d', $ENV{RT_KIT_DIR}, $$, ++$mails;
    open my $out, '>', $file or die "$file: $!";
    print {$out} "-t\n", $_[0]->stringify;
    close $out or die "$file: $!";
    return 1;
} );

# RT takes the true time for the ids of its messages.
{
    no warnings 'redefine';
    my $generate = \&RT::Interface::Email::GenMessageId;
    *RT::Interface::Email::GenMessageId = sub {
        my $id = $generate->(@_);
        my ( $true, $here ) = ( CORE::time(), time() );
        $id =~ s/-(\d{10})-/'-' . ( $1 - $true + $here ) . '-'/e;
        return $id;
    };
}

my %tickets;    # ids by the key of the steps
my %agents;

sub ok {
    my ( $what, $ok, @rest ) = @_;
    die "$what: " . join( ' ', grep { defined && !ref } @rest ) . "\n" unless $ok;
    return $ok;
}

sub as {
    my ($name) = @_;
    return $agents{$name} //= do {
        my $user = RT::CurrentUser->new;
        ok( "agent $name", $user->LoadByName($name) );
        $user;
    };
}

sub ticket {
    my ( $step, $user ) = @_;
    my $ticket = RT::Ticket->new($user);
    ok( "ticket $step->{key}", $ticket->Load( $tickets{ $step->{key} } // $step->{key} ) );
    ok( "ticket $step->{key}", $ticket->id );
    return $ticket;
}

sub attach {
    my ( $entity, $step ) = @_;
    my $file = $step->{attach} or return $entity;
    $entity->make_multipart;
    $entity->attach(
        Type     => $file->{type},
        Filename => $file->{name},
        Data     => MIME::Base64::decode( $file->{data} ),
        Encoding => 'base64',
    );
    return $entity;
}

# What the pages for agents make of a text.
sub written {
    my ( $step, %head ) = @_;
    RT->SetCurrentInterface('Web');
    return attach( HTML::Mason::Commands::MakeMIMEEntity( %head, Body => $step->{body}, Type => 'text/html' ), $step );
}

# What a customer's mail program sends, and the servers on its way add.
sub mailed {
    my ( $step, $subject ) = @_;
    my ( $local, $domain ) = $step->{from} =~ /^(.+)\@(.+)$/ or die "from $step->{from}\n";
    my $date   = rfc2822();
    my $entity = MIME::Entity->build(
        Type       => 'text/plain',
        Charset    => 'UTF-8',
        Encoding   => 'quoted-printable',
        'X-Mailer' => undef,
        Data       => Encode::encode( 'UTF-8', $step->{body} ),
    );
    attach( $entity, $step );
    my $from = Encode::encode( 'MIME-Header', $step->{name} );
    $subject = Encode::encode( 'MIME-Header', $subject );
    s/\r?\n\s*/ /g for $from, $subject;
    my $id = sprintf '%x.%s@mail.%s', time(), Digest::MD5::md5_hex("$step->{from} $step->{at}"), $domain;
    return <<"HEAD" . $entity->stringify;
Return-Path: <$step->{from}>
Received: from mail.$domain (mail.$domain [192.0.2.25])
	by mx.help.example (Postfix) with ESMTPS id 4Wk2Lh3Zq1
	for <support\@help.example>; $date
From: $from <$step->{from}>
To: support\@help.example
Subject: $subject
Date: $date
Message-ID: <$id>
HEAD
}

my %does = (
    user => sub {
        my ($step) = @_;
        my $user = RT::User->new( as( $step->{by} ) );
        my ( $id, @msg ) = $user->Create( Privileged => 0, %{ $step->{fields} } );
        ok( 'user', $id, @msg );
        return { id => $id };
    },
    edit => sub {
        my ($step) = @_;
        my $user = RT::User->new( as( $step->{by} ) );
        ok( 'user', $user->LoadByEmail( $step->{from} ) );
        return set( $user, $step );
    },
    mail => sub {
        my ($step) = @_;
        my $subject = $step->{subject};
        my $id = $tickets{ $step->{key} // '' } // $step->{key};
        $subject = 'Re: [' . RT->Config->Get('rtname') . " #$id] $subject" if ( $id // '' ) =~ /^\d+$/;
        my ( $ok, $msg, $ticket ) = RT::Interface::Email::Gateway(
            { action => 'correspond', queue => $step->{queue}, message => mailed( $step, $subject ) } );
        ok( 'mail', $ok, $msg );
        return { id => $ticket->id };
    },
    open => sub {
        my ($step) = @_;
        my $user   = as( $step->{by} );
        my $ticket = RT::Ticket->new($user);
        my ( $id, undef, $msg ) = $ticket->Create(
            Queue     => $step->{queue},
            Subject   => $step->{subject},
            Requestor => [ $step->{from} ],
            Owner     => $user->id,
            MIMEObj   => written(
                $step,
                Subject => $step->{subject},
                From    => $user->EmailAddress,
                To      => RT->Config->Get('CorrespondAddress'),
                Date    => rfc2822(),
            ),
        );
        ok( 'open', $id, $msg );
        return { id => $id };
    },
    reply   => sub { say_in( 'Correspond', @_ ) },
    comment => sub { say_in( 'Comment',    @_ ) },
    set     => sub {
        my ($step) = @_;
        return set( ticket( $step, as( $step->{by} ) ), $step );
    },
);

sub set {
    my ( $record, $step ) = @_;
    my %fields = %{ $step->{fields} };
    for my $field ( sort keys %fields ) {
        my $set = "Set$field";
        ok( "$set to $fields{$field}", $record->$set( $fields{$field} ) );
    }
    return { id => $record->id };
}

sub say_in {
    my ( $how, $step ) = @_;
    my $ticket = ticket( $step, as( $step->{by} ) );
    my $first  = $ticket->Transactions->First;
    if ( $step->{quote} ) {
        $step->{body} = $first->Content( Quote => 1, Type => 'text/html' ) . $step->{body};
    }
    my $entity = written($step);
    $entity->head->replace( 'Message-ID' => RT::Interface::Email::GenMessageId( Ticket => $ticket ) );
    if ( my $to = $first->Message->First ) {
        RT::Interface::Email::SetInReplyTo( Message => $entity, InReplyTo => $to, Ticket => $ticket );
    }
    ok( $how, $ticket->$how( MIMEObj => $entity ) );
    return { id => $ticket->id };
}

sub rfc2822 {
    my $date = RT::Date->new( RT->SystemUser );
    $date->SetToNow;
    return $date->RFC2822;
}

# A new RT gets what its administrator makes on the first day.
sub init {
    my ($step) = @_;
    my $system = RT->SystemUser;
    for my $queue (qw(Support Billing)) {
        my $made = RT::Queue->new($system);
        ok( $queue, $made->Create( Name => $queue, CorrespondAddress => lc("$queue\@help.example") ) );
    }
    my $team = RT::Group->new($system);
    ok( 'team', $team->CreateUserDefinedGroup( Name => 'First line', Description => 'Those who answer' ) );
    my $everyone = RT::Group->new($system);
    ok( 'Everyone', $everyone->LoadSystemInternalGroup('Everyone') );
    grant( $everyone, qw(CreateTicket ReplyToTicket) );
    grant( RT->System->RoleGroup('Requestor'), qw(ShowTicket) );
    grant( $team, qw(
        AdminUsers CommentOnTicket CreateTicket ModifySelf ModifyTicket OwnTicket ReassignTicket ReplyToTicket
        SeeGroup SeeQueue ShowOutgoingEmail ShowTicket ShowTicketComments ShowUserHistory StealTicket TakeTicket ) );
    for my $name (qw(moira jonas priya tomas eve)) {
        my $agent = RT::User->new($system);
        ok( $name, $agent->Create(
            Privileged => 1, Name => $name, RealName => ucfirst $name, EmailAddress => "$name\@help.example",
            Password => $step->{fields}{password} ) );
        ok( $name, $team->AddMember( $agent->PrincipalId ) );
    }
    return { id => $team->id };
}

sub grant {
    my ( $group, @rights ) = @_;
    ok( $_, $group->PrincipalObj->GrantRight( Right => $_, Object => RT->System ) ) for @rights;
    return;
}
$does{init} = \&init;

binmode STDOUT, ':utf8';
$| = 1;
while ( my $line = <STDIN> ) {
    my $step = JSON::decode_json($line);
    $now = $step->{at};
    my $did = eval { $does{ $step->{do} }->($step) };
    die "step $.: $step->{do}: $@" unless $did;
    $tickets{ $step->{key} } //= $did->{id} if $step->{key};
    print JSON::encode_json($did), "\n";
}
