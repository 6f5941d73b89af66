# The whole configuration of one Request Tracker of the test kit: nothing of
# /etc/request-tracker5 is read beside it.
my $dir = $ENV{RT_KIT_DIR};
Set( $rtname,          'help.example' );
Set( $Organization,    'help.example' );
Set( $CorrespondAddress, 'support@help.example' );
Set( $CommentAddress,    'comment@help.example' );
Set( $DatabaseType,    'mysql' );
Set( $DatabaseHost,    $ENV{RT_KIT_HOST} );
Set( $DatabasePort,    $ENV{RT_KIT_PORT} );
Set( $DatabaseName,    $ENV{RT_KIT_NAME} );
Set( $DatabaseUser,    $ENV{RT_KIT_USER} );
Set( $DatabasePassword, $ENV{RT_KIT_PASSWORD} );
Set( $WebDomain,       '127.0.0.1' );
Set( $WebPort,         $ENV{RT_KIT_WEB} );
Set( $WebPath,         '' );
Set( $Timezone,        'UTC' );
Set( $MailCommand,     'sendmailpipe' );
Set( $SendmailPath,    "$dir/sendmail" );
Set( $HTMLFormatter,   'core' );
Set( $LogToSyslog,     undef );
Set( $LogToFile,       undef );
Set( $LogToSTDERR,     'error' );    # it warns that no w3m is installed
$RT::VarPath         = "$dir/var";
$RT::MasonDataDir    = "$dir/mason";
$RT::MasonSessionDir = "$dir/session";
1;
