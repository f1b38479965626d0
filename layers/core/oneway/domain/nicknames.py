"""Names that people are called by, and the ones they are short for: a hint for staff, never agreement (product section 2).

English from the data of https://github.com/carltonnorthern/nicknames (PyPI *nicknames* 1.0.1, Apache 2.0), kept to common names
and to short forms that are not somebody else's whole name; Spanish ones are common knowledge. An entry is a name and what is
short for it.
"""

from functools import lru_cache

_ENTRIES = """
    abigail abbe abbey abbi abbie abby gail; abraham abe; adelaide addy adie; albert al bert; alexander al alec alex
    sandy; alexandra alex alla sandy; alexis alex lexi; alfred al fred freddy; alice allie; alison ali allie; amanda
    manda mandy; amelia mel millie; andrea andi andy drea; andrew andy drew randy; angela angel angie; anthony ant
    tony; antoinette ann tony; arthur art; augustus august austin gus; barbara babs barbie barby bobbie; beatrice
    bea trisha trix trixie; benjamin ben benjy bennie benny jamie; bernard barney berney bernie berny; bradley brad;
    calvin cal vin vinny; cameron cam ron ronny; carol carri carrie cassie; caroline carrie cassie; catherine casey
    cassie cathy kathy katy kay kit kittie lena trina; charles carl charlie chuck; charlotte char lottie; christian
    chris kit; christina chris chrissy christy crissy kris kristy tina; christine chris chrissy christy crissy kris
    kristy tina; christopher chris kit; clifford cliff ford; constance connie; cynthia cindy; daniel dan danny;
    danielle dani ellie; david dave davey; deborah deb debbie debby; dennis dennie denny; dominic dom nic; donald
    don donnie donny; dorothy dolly dot dottie dotty; douglas doug; edith edye; edward ed eddie eddy ned ted teddy;
    edwin ed eddie eddy ned win; eleanor ellen ellie nelly nora; elizabeth bess bessie beth betsy betty lib libby
    liz liza lizzie lizzy; emily emmy mel millie; emma emmy; ernest ernie; esther essie hester; eugene gene; evelyn
    evelina; florence flossy; frances fanny fran francie frankie frannie franny; francis fran frank frankie;
    franklin fran frank; frederick erick fred freddie freddy rick ricky; gabriel gabby gabe; gabriella ella gabby;
    genevieve jenny; geoffrey geoff jeff; george georgie; gerald gerry jerry; gilbert bert gil; gregory greg;
    gwendolyn gwen wendy; harold hal harry; harriet hattie; henry hal hank harry; howard hal howie; isaac ike;
    isabella bella belle issy; jacob jake; jacqueline jack jackie jacqui; james jamie jim jimmie jimmy; jane janie
    jennie jessie; janet jan jessie; jeffrey geoff jeff; jennifer jen jenn jenni jennie jenny; jessica jess jessie;
    joan jo; joanna jo jodi jody; john jack johnny jon jonnie jonny; jonathan johnathan johnathon johny jon jonathon
    jonnie jonny; joseph jody joe joey; josephine jo jody joey josey josie; joshua joe josh; judith judi judie judy;
    julia jill jules julie; katherine cassie cathy kate kathy katy kay kaye kit kittie lena trina; kathleen cassie
    cathy kathy katy kay kit kittie lena trina; kenneth ken kenny; kimberly kim kimberley kimberli; lawrence larry;
    leonard len lenny leo leon; leroy roy; lillian lil lilly; linda lindy; louis lou louie; louise lois lou; lucille
    lou lucy; madeline lena maddi maddie maddy madge madie maggie; margaret madge maggie maggy marge margery margie
    margy meg midge peg peggy; marjorie margie margy; martha marty mat mattie patsy patty; martin marty; mary mae
    molly polly; matthew matt mattie matty; melissa lissa mel milly missy; michael mick mickey micky mike mikey;
    michelle chelle mickey shelley shellie; mildred milly; mitchell mitch; nancy ann nan nanny; natalie natty
    nettie; nathan nat nate; nathaniel nat nate natty; nicholas nic nick nickie nicky nico; nicole nicki nicky
    nikki; oliver ollie; pamela pam; patricia pat patsy patti patty tricia trish trisha; patrick pat patsy; peter
    pete; philip phil; phillip phil; raymond ray; rebecca becca becky reba; regina reggie; reginald reg reggie;
    richard dick dickie dicky rich richie rick ricky; robert bob bobby rob robby; roberta bert bobbie
    robbie; ronald ron ronnie ronny; rosemary rose rosemarie rosey; russell russ rusty; samantha mantha sam sammy;
    samuel sam sammy; sandra cassandra sandy; sarah sadie sally sara; sebastian sebby; sidney sid syd; sophia
    sophie; stephanie annie steffi steffie steph stephie stevie; stephen steph steve; steven steph steve stevie;
    stuart stu; susan sue susie suzie; suzanne sue susie; tabitha tabby; theodore ted teddy theo; theresa terry tess
    tessa tessie tracy; thomas thom tom tommy; timothy tim timmy; tobias toby; valerie val; veronica ron ronie
    ronnie ronny; victor vic; victoria tori tory vic vicki vickie vicky; vincent vic vin vince vinnie vinny;
    virginia ginger ginny jennie; walter wally walt; wesley wes; wilfred fred wil will willie; william bill billy
    wil will willie willy; winifred freddie winnie; zachary zac zach zachy zack zak zakk
    ;
    alberto beto; alejandro alex jandro; antonio tono toni; concepcion concha conchita; dolores lola; eduardo lalo edu;
    enrique quique; federico fede; fernando nando fer; francisca paca paqui; francisco paco pancho fran; gabriela gaby gabi;
    graciela chela; guadalupe lupe lupita; guillermo memo guille; ignacio nacho; isabel chabela isa; jesus chuy chucho;
    jose pepe; josefina pepa josefa; juana juanita; luis lucho; manuel manolo manny; mercedes meche merche; miguel migue;
    pilar pili; rafael rafa; ramon moncho; roberto beto; rosario charo chayo; salvador chava; santiago santi;
    teresa tere; vicente chente
"""


def same_by_nickname(one: str, other: str) -> bool:
    """Whether two normalised first names may be one person's: one is short for the other, or both for a third. Symmetric."""
    if one == other:
        return False
    long_forms = _long_forms()
    return not long_forms.get(one, frozenset((one,))).isdisjoint(long_forms.get(other, frozenset((other,))))


@lru_cache(maxsize=1)
def _long_forms() -> dict[str, frozenset[str]]:
    """Name → itself and what it is short for."""
    found: dict[str, set[str]] = {}
    for entry in _ENTRIES.split(";"):
        name, *short_forms = entry.split() or [""]
        for short in short_forms:
            found.setdefault(short, {short}).add(name)
    return {name: frozenset(forms) for name, forms in found.items()}
